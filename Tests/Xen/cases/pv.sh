# PV guests: the whole life of a card.
. ./lib.sh
make_bridge; write_policy
www=192.0.2.7 www6=2001:db8::7

say "without the guard: the attacks are real"
vif=,script=vif-bridge guest_file open 9
expect "a guest starts with Xen's own script" xl create /etc/xen/open.cfg
expect "it is up" await_guest open
attack open eth0 9 open
# But for the one to a link-local group address, which ends in the bridge (and can teach it a MAC there).
expect "without the guard all attacks get out" [ "$(through open | wc -l)" -eq $((${#kinds[@]} - 3)) ]
through open
xl destroy open; rm /etc/xen/open.cfg

say "with it"
expect "the policy is applied" vifguard apply
expect "the script is made the default" vifguard install --xen --yes --script /case/vif-vifguard
expect "xl.conf names it" grep -qx 'vif.default.script="vif-vifguard"' /etc/xen/xl.conf
guest_file www 7
expect "a guest starts" xl create /etc/xen/www.cfg
expect "it is up" await_guest www
id=$(xl domid www)
expect "it is reached over IPv4" reaches $www
expect "it is reached over IPv6" reaches $www6
expect "it reaches the gateway over IPv4" in-guest www 20 ping -c 2 -W 3 192.0.2.254
expect "it reaches the gateway over IPv6" in-guest www 20 ping6 -c 2 -W 3 2001:db8::fe
expect "xenstore says connected" [ "$(xenstore-read "backend/vif/$id/0/hotplug-status")" = connected ]
expect "#ipv6= is in xenstore" [ "$(xenstore-read "backend/vif/$id/0/ipv6")" = $www6 ]
attack www eth0 7 www
expect "no attack gets out" nothing_through www
expect "honest frames do, every one" honest_through www
expect "the attacks were counted" [ "$(port_count "vif$id.0" dropped)" -ge 100 ]

say "a card plugged in while the guest sends what isn't its own"
# The script waits first, so that the guest's queue is full when its card goes up.
printf '#!/bin/sh\n[ "$1" = online ] && sleep 3\nexec /etc/xen/scripts/vif-vifguard "$@"\n' > /etc/xen/scripts/vif-slow
chmod 755 /etc/xen/scripts/vif-slow
mapfile -t eight < <(/case/attacks "$(mac_of 8)" 192.0.2.8 2001:db8::8)
declare -A frame; for line in "${eight[@]}"; do frame[${line%% *}]=${line#* }; done
before=$(unjudged)
listen burst
in-guest www 120 frames eth1 3000 "${frame[ip4-source]}" "${frame[mac-source]}" "${frame[honest4]}" > /results/burst.txt 2>&1 & sender=$!
sleep 1
expect "network-attach" xl network-attach www "mac=$(mac_of 8)" bridge=xenbr0 ip=192.0.2.8 script=vif-slow
wait $sender; hush
cat /results/burst.txt
expect "not one spoofed frame of the burst gets out" [ "$(($(heard burst "${frame[ip4-source]}") + $(heard burst "${frame[mac-source]}")))" -eq 0 ]
expect "nor came any as far as the others' ports" [ "$(unjudged)" -eq "$before" ]
expect "there was a burst: it was counted" [ "$(port_count "vif$id.1" dropped)" -ge 100 ]
expect "what is honest of it gets out" [ "$(heard burst "${frame[honest4]}")" -ge 50 ]
echo "burst: $(port_count "vif$id.1" dropped) dropped, $(heard burst "${frame[honest4]}") honest frames out"

say "unplugged"
listen gone
in-guest www 60 frames eth1 300 "${frame[honest4]}" > /dev/null 2>&1 & sender=$!
sleep 0.2
expect "network-detach" xl network-detach www 1
count=$(port_count "vif$id.1" present)
wait $sender; hush
expect "its port is let go of" [ "$count" -eq 0 ]
in-guest www 20 frames eth0 1 "${frame[honest4]}"
expect "its address isn't the guest's any more" [ "$(port_count "vif$id.0" dropped)" -ge 101 ]

say "a policy that can't be read"
cp /etc/vifguard/policy.yaml /tmp/sound.yaml
echo 'guests: [' >> /etc/vifguard/policy.yaml
guest_file late 8
expect "the guest is refused" refuse xl create /etc/xen/late.cfg
expect "and isn't there" refuse xl domid late
expect "the other one goes on" reaches $www
cp /tmp/sound.yaml /etc/vifguard/policy.yaml
guest_file thief 10; sed -i 's/ip=192.0.2.10/ip=192.0.2.7/; /ipv6/d' /etc/xen/thief.cfg
expect "a guest with another's address is refused" refuse xl create /etc/xen/thief.cfg
expect "and isn't there" refuse xl domid thief
rm /etc/xen/thief.cfg

say "a reboot, with an agent and without"
vifguard agent --state /tmp/state --run /tmp/run > /results/agent.log 2>&1 & agent=$!
sleep 3
in-guest www 3 reboot -f > /dev/null 2>&1
expect "www is up again" await_guest www 2
expect "under a new number" [ "$(xl domid www)" -gt "$id" ]
id=$(xl domid www)
expect "reached over IPv4" reaches $www
expect "reached over IPv6" reaches $www6
kill $agent; wait $agent 2>/dev/null
expect "the agent ends: still reached" reaches $www
attack www eth0 7 again
expect "the agent ends: no attack gets out" nothing_through again
expect "honest frames do, every one" honest_through again

say "it moves"
# As 'xl migrate' does on both sides but for the copying of pages while it runs, which fails in this emulation (EINVAL):
# here saved, there restored under the name of a guest that is arriving, and renamed.
expect "xl save" xl save www /tmp/www.saved
expect "its port is let go of" [ "$(port_count "vif$id.0" present)" -eq 0 ]
sed 's/^name = .*/name = "www--incoming"/' /etc/xen/www.cfg > /tmp/incoming
listen arrival
expect "xl restore" xl restore /tmp/incoming /tmp/www.saved
expect "xl rename" xl rename www--incoming www
expect "under a new number" [ "$(xl domid www)" -gt "$id" ]
id=$(xl domid www)
expect "known by its own name" sh -c 'vifguard status --json | grep -q "\"guest\" : \"www\""'
sleep 2; hush
# Netfront's gratuitous ARP (net/ipv4/devinet.c, inetdev_send_gratuitous_arp).
expect "its announcement passes" [ "$(heard arrival "ffffffffffff$(mac_of 7 | tr -d :)0806")" -ge 1 ]
expect "reached over IPv4" reaches $www
expect "reached over IPv6" reaches $www6
attack www eth0 7 moved
expect "no attack gets out" nothing_through moved
expect "honest frames do, every one" honest_through moved

say "three at once, without the agent"
for n in 8 10 11; do guest_file "g$n" $n; xl create "/etc/xen/g$n.cfg" > "/results/g$n.txt" 2>&1 & pids[$n]=$!; done
for n in 8 10 11; do expect "g$n is created" wait "${pids[$n]}"; done
for n in 8 10 11; do expect "g$n is up" await_guest "g$n"; expect "g$n is reached" reaches "192.0.2.$n"; done

say "they go"
for n in g8 g10 g11 www; do xl destroy "$n"; done
expect "no port is left" refuse sh -c 'vifguard status --json | grep -q \"vif'
expect "a second offline is fine" env XENBUS_PATH=backend/vif/$id/0 vif=vif$id.0 /etc/xen/scripts/vif-vifguard offline type_if=vif
expect "uninstall undoes it" vifguard uninstall --yes --state /tmp/state
expect "xl.conf is as it was" refuse grep -q vifguard /etc/xen/xl.conf
finish
