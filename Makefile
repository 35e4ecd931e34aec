# The menu. `sudo make demo` and `sudo make test` are each enough on a fresh Debian 12 with a Swift 6.3 toolchain.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# sudo drops a toolchain's folder from PATH: look where the invoking user would.
SWIFT ?= $(firstword $(shell command -v swift) $(wildcard /opt/swift/usr/bin/swift /usr/local/swift/usr/bin/swift /usr/libexec/swift/bin/swift) swift)
export PATH := $(dir $(SWIFT)):$(PATH)
PREFIX ?= /usr/local
DESTDIR ?=
RELEASE := .build/release/vifguard

# What the build needs, then what the tests and the demonstration send real traffic with.
BUILD_PACKAGES := libbpf-dev linux-libc-dev libelf-dev zlib1g-dev libsqlite3-dev pkg-config git
TEST_PACKAGES := iproute2 iputils-ping iputils-arping ethtool tcpdump busybox-static udhcpc isc-dhcp-client dnsmasq-base procps \
	util-linux curl iptables arptables ebtables nftables
BENCH_PACKAGES := iptables arptables nftables ebtables
LIBVIRT_PACKAGES := libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 cpio kmod tcpdump busybox-static
KERNEL_PACKAGES := qemu-system-x86 cpio kmod
XEN_PACKAGES := $(KERNEL_PACKAGES) mmdebstrap e2fsprogs python3 libc6-dev

.PHONY: help setup setup-kernel setup-bench promtool build release test test-debian-kernel test-xen test-libvirt demo bench bench-agent bench-hook fuzz mutants differential soak lint format install install-files uninstall clean

help: ## show this menu
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define install_packages
@missing=(); for p in $(1); do dpkg-query -W -f='$${db:Status-Abbrev}' $$p 2>/dev/null | grep -q '^ii' || missing+=($$p); done; \
if [ $${#missing[@]} -gt 0 ]; then \
	[ "$$(id -u)" -eq 0 ] || { echo "these packages are missing: $${missing[*]}: run 'sudo make setup'" >&2; exit 1; }; \
	export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
fi
endef

setup: ## install the Debian packages that building and testing need
	$(call install_packages,$(BUILD_PACKAGES) $(TEST_PACKAGES))

# Prometheus' own judge of a metrics page, out of Debian's package: installed, that would start a server.
PROMTOOL := .build/tools/usr/bin/promtool
promtool: $(PROMTOOL)
$(PROMTOOL):
	@rm -rf .build/tools && mkdir -p .build/tools/package
	@cd .build/tools/package && { apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }; }
	@dpkg-deb -x .build/tools/package/prometheus_*.deb .build/tools && rm -r .build/tools/package

setup-bench: setup
	$(call install_packages,$(BENCH_PACKAGES))

build: setup ## build everything, for debugging
	$(SWIFT) build

release: setup ## build the command, optimised
	$(SWIFT) build -c release --product vifguard

setup-kernel: setup
	$(call install_packages,$(KERNEL_PACKAGES))

# Debian 12's kernel must take the program, too: its verifier knows less than newer ones, and it has no tcx.
# System tests run one at a time: they wait for the kernel, and would keep the others from running within their limits.
test: setup-kernel promtool ## every test: unit, system (namespaces), differential, golden
	@[ "$$(id -u)" -eq 0 ] || { echo "the system tests need root: run 'sudo make test'" >&2; exit 1; }
	@Tests/Mutants/list check Tests/Mutants/kernel.mutants Sources/DatapathProgram Sources/Policy/Reason+Name.swift
	@Tests/Mutants/list check Tests/Mutants/evaluator.mutants Sources Sources/Policy/Reason+Name.swift
	timeout -k 30 1800 $(SWIFT) build --build-tests
	[ "$$(uname -m)" != x86_64 ] || Tests/DebianKernel/run .build/debug/vifguard
	timeout -k 30 1200 $(SWIFT) test --skip-build --skip SystemTests
	timeout -k 30 2400 $(SWIFT) test --skip-build --no-parallel --filter SystemTests

demo: release ## build a throw-away network, attack it with and without the guard, show the result
	@[ "$$(id -u)" -eq 0 ] || { echo "the demonstration needs root: run 'sudo make demo'" >&2; exit 1; }
	$(RELEASE) prove --demonstrate

# Where the table, the figures and the picture go; RESULTS=Documentation keeps them.
RESULTS ?= Benchmarks/results
bench: setup-bench ## what guarding costs, beside a plain bridge, the 2008 rules and others' (RESULTS=FOLDER)
	Benchmarks/run --save $(RESULTS)

bench-agent: release setup-bench ## the agent: how fast ports are closed and bound, a storm, a start, a flood
	Benchmarks/run --agent $(RELEASE)

bench-hook: release ## how long Xen's hook holds up a guest's start
	timeout -k 30 1800 $(SWIFT) build --build-tests
	VIFGUARD_HOOK=$(abspath $(RELEASE)) timeout -k 30 600 $(SWIFT) test --skip-build --filter SystemTests.XenHookCostTests | grep '^hook'

test-debian-kernel: release setup-kernel ## prove the guard on Debian 12's own kernel, in an emulated machine
	Tests/DebianKernel/run $(RELEASE)

test-xen: release ## guests of a real Xen, attacked from within, in an emulated machine
	$(call install_packages,$(XEN_PACKAGES))
	Tests/Xen/run $(RELEASE)

test-libvirt: release ## guard the guests of a real libvirtd, in namespaces
	$(call install_packages,$(LIBVIRT_PACKAGES))
	Tests/Libvirt/run $(RELEASE)

fuzz: setup ## libFuzzer over every decoder (SECONDS=30 each)
	Fuzz/run $(or $(SECONDS_EACH),30)

mutants: setup ## take out each rule in turn: a test must fail (OF=kernel or evaluator, ONLY=text)
	@[ "$$(id -u)" -eq 0 ] || { echo "the kernel's mutants need root: run 'sudo make mutants'" >&2; exit 1; }
	timeout -k 30 1800 $(SWIFT) build --build-tests
	Tests/mutants $(or $(OF),all) "$(ONLY)"

differential: setup ## kernel program and evaluator judge the same frames (FRAMES=2000000 SEED=1)
	@[ "$$(id -u)" -eq 0 ] || { echo "loading the kernel program needs root: run 'sudo make differential'" >&2; exit 1; }
	timeout -k 30 1800 $(SWIFT) build --build-tests
	VIFGUARD_DIFFERENTIAL_FRAMES=$(FRAMES) VIFGUARD_DIFFERENTIAL_SEED=$(SEED) timeout -k 30 1800 $(SWIFT) test --skip-build --filter SystemTests.DifferentialTests

# With the debugging build, whose checks of its own are part of what is tried. Bounded by itself.
soak: setup ## an hour of traffic, attacks, hot-plug, kills: counters must add up (MINUTES=60 SEED=any)
	@[ "$$(id -u)" -eq 0 ] || { echo "the soak makes network namespaces: run 'sudo make soak'" >&2; exit 1; }
	timeout -k 30 1800 $(SWIFT) build --build-tests
	.build/debug/soak --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED))

lint: ## layout of the sources, without changing them
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Plugins Benchmarks/Sources

format: ## lay the sources out
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests Plugins Benchmarks/Sources

# Where systemd looks for units, groups: below PREFIX too (systemd.unit(5), sysusers.d(5)).
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSUSERS = $(DESTDIR)$(PREFIX)/lib/sysusers.d

install: release ## install the command, its service, man pages and an example policy (DESTDIR, PREFIX)
	$(MAKE) --no-print-directory install-files
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || { systemd-sysusers $(SYSUSERS)/vifguard.conf; systemctl daemon-reload; }

install-files:
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/sbin/vifguard
	install -d $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)/etc/vifguard/guests.d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 Documentation/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -D -m 755 Packaging/vif-vifguard $(DESTDIR)$(PREFIX)/share/vifguard/vif-vifguard
	install -D -m 644 Packaging/policy.example.yaml $(DESTDIR)$(PREFIX)/share/doc/vifguard/policy.example.yaml
	install -D -m 644 Packaging/vifguard.sysusers $(SYSUSERS)/vifguard.conf
	install -d $(UNITS)
	sed 's|@PREFIX@|$(PREFIX)|g' Packaging/vifguard.service.in > $(UNITS)/vifguard.service
	sed 's|@PREFIX@|$(PREFIX)|g' Packaging/vifguard-classic.service.in > $(UNITS)/vifguard-classic.service
	chmod 644 $(UNITS)/vifguard.service $(UNITS)/vifguard-classic.service
	$(RELEASE) --generate-completion-script bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vifguard

uninstall: ## remove what install put there (a policy in /etc/vifguard stays)
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl disable --now vifguard.service vifguard-classic.service || true
	rm -f $(DESTDIR)$(PREFIX)/sbin/vifguard $(DESTDIR)$(PREFIX)/share/man/man8/vifguard.8 $(DESTDIR)$(PREFIX)/share/man/man8/vifguard-*.8
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vifguard $(UNITS)/vifguard.service $(UNITS)/vifguard-classic.service $(SYSUSERS)/vifguard.conf
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/vifguard $(DESTDIR)$(PREFIX)/share/vifguard
	rmdir --ignore-fail-on-non-empty $(DESTDIR)/etc/vifguard/guests.d $(DESTDIR)/etc/vifguard 2>/dev/null || true

clean: ## remove what was built
	$(SWIFT) package clean
