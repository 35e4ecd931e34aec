import Addresses
import Hypervisors

/// The first byte says what the rest is: a guest's configuration, addresses, xl.conf, a call, or what xenstore answers.
func readXen(_ input: [UInt8]) {
    let rest = Array(input.dropFirst())
    let text = String(decoding: rest, as: UTF8.self)
    switch (input.first ?? 0) % 5 {
    case 0: readConfiguration(rest)
    case 1: readAddresses(text)
    case 2: readXLConfiguration(text)
    case 3: readCall(text)
    default: readReply(rest)
    }
}

/// Any bytes are a configuration, or say where they aren't.
private func readConfiguration(_ bytes: [UInt8]) {
    do throws(CardError) {
        let read = try XenConfiguration(bytes, file: "fuzz.cfg")
        for comment in read.ipv6Comments { readAddresses(comment.text) }
        for vif in read.vifs { readAddresses(vif.ip ?? "") }
    } catch {
        precondition(error.description.hasPrefix("fuzz.cfg:"), "a refusal says where")
        check(error)
    }
}

/// What is read is an address, a prefix or `dhcp`, and reads the same again.
private func readAddresses(_ text: String) {
    for allowsIPv4 in [false, true] {
        do throws(CardError) {
            let read = try XenAddresses.read(text, allowsIPv4: allowsIPv4, source: "fuzz")
            for statement in read {
                precondition(statement.text == "dhcp" || IPPrefix(statement.text) != nil, "\(statement.text) is an address")
                let again = try XenAddresses.read(statement.text, allowsIPv4: allowsIPv4, source: "fuzz")
                precondition(again == [statement], "\(statement.text) reads the same again")
            }
        } catch {
            check(error)
        }
    }
}

/// Whatever a file says, installing can be undone to the byte.
private func readXLConfiguration(_ text: String) {
    let before = XLConfiguration(text)
    let after = before.installed
    precondition(after.isInstalled && after.installed == after, "it is the default then")
    precondition(!after.uninstalled.isInstalled, "and not when that is undone")
    precondition(after.uninstalled.installed.uninstalled == after.uninstalled, "again and again")
}

private func readCall(_ text: String) {
    let words = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let environment = ["XENBUS_PATH": words.first ?? "", "vif": words.last ?? "", "INTERFACE": words.last ?? ""]
    for arguments in [["online"], ["offline", "type_if=vif"], ["add", "type_if=tap"], words] {
        do throws(CardError) {
            guard let call = try XenHotplugCall.read(arguments, environment) else { continue }
            precondition(call.port.utf8.count < 16 && call.port.hasPrefix("vif"), "an interface's name")
        } catch {
            check(error)
        }
    }
}

private func readReply(_ bytes: [UInt8]) {
    guard let reply = XenStoreReply(header: Array(bytes.prefix(16))) else { return precondition(bytes.count < 16, "16 bytes are a header") }
    precondition((0...Int(UInt32.max)).contains(reply.length), "a length is none below zero")
}

private func check(_ error: CardError) {
    let shown = error.description.unicodeScalars
    precondition(shown.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }, "no message steers a terminal")
}
