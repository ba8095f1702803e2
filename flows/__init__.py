"""What Prefect runs, one file per flow: the form that a person fills in, approval, the final state."""
