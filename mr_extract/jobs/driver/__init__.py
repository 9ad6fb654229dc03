"""What runs where the user is: plan, run, gather, report."""
