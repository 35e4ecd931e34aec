# HVM guests: an emulated card beside the other, with and without drivers that take it away.
. ./lib.sh
make_bridge; write_policy
expect "the policy is applied" vifguard apply
expect "the script is made the default" vifguard install --xen --yes --script /case/vif-vifguard
kernel=/guest/bzImage memory=192 console=console=ttyS0 vif=,model=e1000
lines='type = "hvm"
serial = "pty"
vga = "none"
nographic = 1
usb = 0'

say "the guest keeps its emulated card"
extra=xen_emul_unplug=never guest_file emulated 7
expect "it starts" xl create /etc/xen/emulated.cfg
expect "it is up" await_answer 192.0.2.7
id=$(xl domid emulated)
vifguard status
expect "its tap is bound" [ "$(vifguard status --json | grep -c "\"vif$id.0-emu\"")" -ge 1 ]
expect "it speaks by the emulated card" in-guest emulated 30 'ls -l /sys/class/net/eth0/device/driver | grep -q e1000'
expect "it is reached over IPv4" reaches 192.0.2.7
expect "it is reached over IPv6" reaches 2001:db8::7
attack emulated eth0 7 emulated
expect "no attack gets out" nothing_through emulated
expect "honest frames do, every one" honest_through emulated
expect "the attacks were counted at the tap" [ "$(port_count "vif$id.0-emu" dropped)" -ge 100 ]
vifguard plan
expect "all is as the policy has it" sh -c 'vifguard plan | grep "Nothing to do"'
xl destroy emulated; rm /etc/xen/emulated.cfg
expect "no port is left" refuse sh -c 'vifguard status --json | grep -q \"vif'

say "the guest's own drivers take the emulated card away"
guest_file pvhvm 8
expect "it starts" xl create /etc/xen/pvhvm.cfg
expect "it is up" await_answer 192.0.2.8
id=$(xl domid pvhvm)
expect "it speaks by netfront" in-guest pvhvm 30 'ls -l /sys/class/net/eth0/device/driver | grep -q vif'
expect "it is reached over IPv4" reaches 192.0.2.8
expect "it is reached over IPv6" reaches 2001:db8::8
attack pvhvm eth0 8 pvhvm
expect "no attack gets out" nothing_through pvhvm
expect "honest frames do, every one" honest_through pvhvm
xl destroy pvhvm
finish
