print("vifguard")
