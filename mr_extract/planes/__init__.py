"""An image made ready to be measured: background, noise, bad pixels."""
