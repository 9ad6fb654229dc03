"""What `-r emr` needs around it: configuration, policies, and commands for clusters."""
