"""What people see on stdout and stderr: results, complaints, logs, boards of running jobs and batches."""
