import API
import Addresses
import Foundation
import Policy

private let policy = HostPolicy(
    bridges: [BridgePolicy(name: "br0", uplinks: ["up0"])],
    interfaces: [
        GuestInterface(
            port: "vif1.0", bridge: "br0",
            binding: Binding(guest: "www", macs: [MACAddress(2, 0, 0, 0, 0, 1)], addresses4: [IPv4Prefix(IPv4Address(192, 0, 2, 1))]))
    ])

/// Whatever a client sends is taken, or refused with a status of its own and JSON that steers no terminal. Stops the process
/// where it isn't. Shared by the fuzz target and the tests of changed requests.
///
/// - Parameter whole: the first byte says what the rest is to be; a query and a body are divided by the first line's end.
func readRequest(_ whole: [UInt8]) {
    guard let kind = whole.first else { return }
    let input = whole.dropFirst()
    let parts = input.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
    let line = String(decoding: parts[0], as: UTF8.self)
    let body = parts.count > 1 ? Array(parts[1]) : []
    do throws(RequestReading.Refusal) {
        switch kind % 5 {
        case 0: _ = try RequestReading.events(query: line)
        case 1:
            let interface = try RequestReading.attachment(body, port: line)
            precondition(interface.port == line, "the port is the path's")
            precondition(!interface.binding.macs.isEmpty && interface.binding.origin == .manual, "a binding has a MAC, and is nobody's policy")
        case 2: check(try RequestReading.explanation(body, query: line, by: policy))
        case 3: check(try RequestReading.policyCheck(Array(input)))
        default:
            let token = Array(repeating: UInt8(ascii: "t"), count: 32)
            let isShown = RequestReading.isToken(token, shownBy: line)
            precondition(isShown == false || line.hasSuffix(String(decoding: token, as: UTF8.self)), "only the token is the token")
        }
    } catch {
        precondition([400, 409, 413, 422].contains(error.status), "it is the client's mistake")
        check(error.body)
    }
}

private func check(_ json: [UInt8]) {
    precondition((try? JSONSerialization.jsonObject(with: Data(json))) != nil, "an answer is JSON")
    let shown = String(decoding: json, as: UTF8.self).unicodeScalars
    precondition(
        shown.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) && !(0x202a...0x202e).contains($0.value) },
        "no answer steers a terminal")
}
