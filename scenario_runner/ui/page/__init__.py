"""The page in the browser: what is drawn with NiceGUI, which nothing else here imports."""
