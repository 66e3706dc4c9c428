"""`rmfs up`: bank, gateway, recharge server and their exchange on one machine."""
