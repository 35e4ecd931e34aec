# Sourced by the cases: a guarded bridge in dom0 with a namespace beyond its uplink, guests, and what is expected of them.
failed=0
uptime_s() { cut -d' ' -f1 /proc/uptime; }
say() { printf '== [%s s] %s\n' "$(uptime_s)" "$*"; }
# expect WHAT COMMAND...: the command must succeed.
expect() {
	local what=$1
	shift
	if "$@" > /tmp/said 2>&1; then printf 'ok    %s\n' "$what"; else printf 'FAIL  %s\n' "$what"; sed 's/^/      /' /tmp/said | tail -40; failed=1; fi
}
refuse() { ! "$@"; }

# The bridge, its uplink, and what is beyond: the gateway, and a sniffer that keeps what bears the attacks' mark.
make_bridge() {
	ip netns add outside
	ip link add xenbr0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip link add up0 type veth peer name out0 netns outside
	ip link set up0 master xenbr0 up
	ip link set xenbr0 up
	ip -n outside link set out0 address 02:00:5e:00:00:01 up
	ip -n outside addr add 192.0.2.254/24 dev out0
	ip -n outside -6 addr add 2001:db8::fe/64 dev out0 nodad
}
write_policy() {
	mkdir -p /etc/vifguard
	cat > /etc/vifguard/policy.yaml <<-POLICY
		bridges:
		  xenbr0:
		    uplinks: [up0]
		    gateways: [{address: 192.0.2.254, mac: "02:00:5e:00:00:01"}, "2001:db8::fe"]
		    subnets: [192.0.2.0/24]
		guests: {}
	POLICY
}
listen() { ip netns exec outside tcpdump -i out0 -w "/results/$1.pcap" -U --immediate-mode 2>/dev/null & sniffer=$!; sleep 1; }
hush() { sleep 1; kill "$sniffer"; wait "$sniffer" 2>/dev/null; }
# heard FILE HEX: how many frames of the capture begin with these bytes.
heard() {
	python3 - "/results/$1.pcap" "$2" <<-'COUNT'
		import struct, sys
		data, wanted, place, count = open(sys.argv[1], "rb").read(), bytes.fromhex(sys.argv[2]), 24, 0
		while place + 16 <= len(data):
		    length = struct.unpack("<I", data[place + 8:place + 12])[0]
		    count += data[place + 16:place + 16 + length].startswith(wanted)
		    place += 16 + length
		print(count)
	COUNT
}

# guest_file NAME NUMBER [MORE LINES]: a configuration by ip= and #ipv6=, as an operator writes it.
mac_of() { printf '00:16:3e:00:00:%02x' "$1"; }
guest_file() {
	cat > "/etc/xen/$1.cfg" <<-GUEST
		#ipv6=2001:0db8:0000:0000:0000:0000:0000:00$(printf %02x "$2")
		name = "$1"
		kernel = "${kernel:-/guest/kernel}"
		ramdisk = "/guest/initrd"
		memory = ${memory:-96}
		vcpus = 1
		extra = "console=hvc0 ${console:-} loglevel=3 panic=1 called=$1 four=192.0.2.$2 six=2001:db8::$(printf %x "$2") ${extra:-}"
		vif = [ 'mac=$(mac_of "$2"),bridge=xenbr0,ip=192.0.2.$2${vif:-}' ]
		${lines:-}
	GUEST
}
# await_guest NAME N: until its console has said for the Nth time that it is up.
await_guest() {
	local n
	for n in $(seq 600); do
		[ "$(grep -c "GUEST UP $1" "/var/log/xen/guest-$1.log" 2>/dev/null)" -ge "${2:-1}" ] && return 0
		sleep 0.3
	done
	return 1
}
# Nobody keeps what is said on a serial line, and what is typed before anybody reads it there stays: it answers when it is up.
await_answer() {
	local n
	for n in $(seq 300); do ip netns exec outside ping -c 1 -W 2 "$1" > /dev/null && sleep 5 && return 0; done
	return 1
}
reaches() { ip netns exec outside ping -c 3 -i 0.3 -W 3 "$1" | grep -q ' [1-9] received'; }

# attack NAME INTERFACE NUMBER FILE: each attack ten times from within; prints those of which anything was heard outside.
attack() {
	local name hex frames=() ; unset kinds; declare -gA kinds
	while read -r name hex; do kinds[$name]=$hex; frames+=("$hex"); done < <(/case/attacks "$(mac_of "$3")" "192.0.2.$3" "2001:db8::$(printf %x "$3")")
	listen "$4"
	# A console takes 4 KiB a line.
	local n
	for ((n = 0; n < ${#frames[@]}; n += 3)); do in-guest "$1" 60 frames "$2" 10 "${frames[@]:n:3}"; done
	hush
}
through() {
	local name
	for name in "${!kinds[@]}"; do
		case $name in honest*) continue ;; esac
		[ "$(heard "$1" "${kinds[$name]}")" -eq 0 ] || echo "$name: $(heard "$1" "${kinds[$name]}")"
	done
}
nothing_through() { local names; names=$(through "$1"); echo "$names"; [ -z "$names" ]; }
honest_through() { [ "$(heard "$1" "${kinds[honest4]}")" -eq 10 ] && [ "$(heard "$1" "${kinds[honest6]}")" -eq 10 ]; }

port_count() { vifguard status --json | python3 -c "
import json, sys
ports = [p for b in json.load(sys.stdin)['bridges'] for p in b['ports'] if p['name'] == '$1']
print(sum(c['packets'] for p in ports for c in p['sent']['dropped'].values()) if '$2' == 'dropped' else len(ports))"; }
# Frames that reached another's port without having been judged: what a port that isn't bound yet sends.
unjudged() { vifguard status --json | python3 -c "
import json, sys
print(sum(side['dropped'].get('unjudged', {}).get('packets', 0) for b in json.load(sys.stdin)['bridges'] for p in b['ports'] for side in (p['sent'], p['received'])))"; }
finish() { vifguard status > /results/vifguard-status 2>&1; exit $failed; }
