"""What HDFS and WebHDFS share: Hadoop's configuration, paths and errors."""
