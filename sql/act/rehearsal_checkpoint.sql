-- Each trial begins right after a checkpoint, so that they are alike.
CHECKPOINT
