"""Images packed into SequenceFiles: Hadoop splits them and runs tasks where the pixels are."""
