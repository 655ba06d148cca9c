-- As it is; costs what the other costs.
SET LOCAL {setting} TO DEFAULT
