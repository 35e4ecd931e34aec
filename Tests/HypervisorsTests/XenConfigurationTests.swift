import Hypervisors
import Testing

/// What is read of a guest's xl configuration, and what isn't taken.
@Suite struct XenConfigurationTests {
    private func read(_ text: String) throws(CardError) -> XenConfiguration { try XenConfiguration(Array(text.utf8), file: "www.cfg") }

    @Test func `a configuration of 2008, with the address in a comment`() throws {
        let read = try read(
            """
            kernel = "/boot/vmlinuz-2.6.18-6-xen-686"
            memory  = '128'
            name = 'www.standingonthebrink.com'
            #ipv6=2607:F590:0000:FFFF:0000:0000:0000:0060
            vif  = [ 'ip=216.146.46.43,mac=00:16:3E:38:B4:AC, bridge=xenbr0' ]
            disk = [ 'phy:/dev/vg/www,sda1,w', 'phy:/dev/vg/www-swap,sda2,w' ]
            on_reboot = 'restart'
            """)
        #expect(read.name == "www.standingonthebrink.com" && read.uuid == nil)
        #expect(read.ipv6Comments.map(\.text) == ["2607:F590:0000:FFFF:0000:0000:0000:0060"] && read.ipv6Comments.map(\.line) == [4])
        #expect(read.vifs.map(\.mac) == ["00:16:3E:38:B4:AC"] && read.vifs[0].ip == "216.146.46.43" && read.vifs[0].bridge == "xenbr0")
    }

    @Test(arguments: ["#ipv6=X", "# ipv6 = X ", "\t#IPv6= 'X'", "#ipv6=\"X\"\r", "memory = 1\n#ipv6=X", "vif = [\n'mac=1',\n#ipv6=X\n]"])
    func `the comment has a line to itself, however it is spelled`(_ text: String) throws {
        #expect(try read(text).ipv6Comments.map(\.text) == ["X"])
    }

    @Test(arguments: ["name = 'www' #ipv6=X", "##ipv6=X", "#ipv66=X", "#ipv6 X", "name = '#ipv6=X'", "# see ipv6=X"])
    func `nothing else is one`(_ text: String) throws {
        #expect(try read(text).ipv6Comments.isEmpty)
    }

    @Test func `xl's grammar: lists over lines, both marks, escapes, numbers, +=, and the last one counts`() throws {
        let read = try read(
            """
            name = "a"; name = "w\\x77\\167"
            vif = [ 'mac=1,ip=a b', # one
              "mac=2 , vifname = v" , ]
            vif += [ 'mac=3' ]
            maxmem=512
            extra = "a#b"
            on_crash = "destroy"\\
            """ + "\n")
        #expect(read.name == "www")
        #expect(read.vifs.map(\.mac) == ["1", "2", "3"] && read.vifs[0].ip == "a b" && read.vifs[1].vifname == "v")
    }

    @Test(arguments: [
        ("name = 'www", "1: the text isn't closed"), ("\nname 'www'", "2: '=' is due behind name"), ("name = 'a' 'b'", "1: the line should end"),
        ("vif = [ 'a' 'b' ]", "1: ',' or ']' is due"), ("vif = [", "1: a value is due"), ("= 1", "1: a setting's name is due"),
        ("name = '\\q'", "1: xl knows no text"), ("name = 'a\nb'", "1: the text isn't closed on its line"),
        ("name = '\\x00'", "is no byte of a text"),
        ("name = '\\400'", "is no byte of a text"), ("x = " + String(repeating: "[", count: 5000), "more than 16 deep"),
        ("name = $(id)", "a value is due"),
    ])
    func `what xl wouldn't read isn't read, and the place is said`(_ text: String, _ why: String) {
        let error = #expect(throws: CardError.self) { try read(text) }
        #expect(error?.description.hasPrefix("www.cfg:") == true && error?.description.contains(why) == true, "\(error?.description ?? "")")
    }

    @Test func `a file that is no text isn't one, but comments in any encoding are skipped`() throws {
        #expect(throws: CardError.self) { try XenConfiguration(Array("name='".utf8) + [0xff] + Array("'".utf8), file: "a") }
        #expect(try XenConfiguration([0x23, 0xff, 0x0a] + Array("name='a'".utf8), file: "a").name == "a")
        #expect(throws: CardError.self) { try XenConfiguration([UInt8](repeating: 0x20, count: XenConfiguration.maximumBytes + 1), file: "a") }
    }
}
