"""For Spark on Kubernetes: pods with no more rights than they need, and the driver's role."""
