"""Jobs on Hadoop: what becomes of them when something dies, and what large ones would take."""
