"""From a job to a plan: every refusal before anything is done, and what is the same for all ranges."""
