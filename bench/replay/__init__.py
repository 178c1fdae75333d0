"""Real sessions played through the whole product, and compared row by row with what happened."""
