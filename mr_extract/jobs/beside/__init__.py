"""What lies beside an image, in files: companions, detection images, lists."""
