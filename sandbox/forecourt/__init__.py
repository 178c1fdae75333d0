"""The forecourt page: the world to look at and to play with. Its buttons are forms that post to the control routes."""
