"""How ledgers of earlier versions become those of this one: a revision for each change of the schema, oldest first."""
