"""The stream process: events of worlds as server-sent events and long polls, thousands of them on one process."""
