"""The pages of fleet, one file a page. They read requests, call one domain function, and render."""
