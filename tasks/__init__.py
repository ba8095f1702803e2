"""A stage of the job, or a chunk of one, as a Prefect task: its name, its progress, its artifacts."""
