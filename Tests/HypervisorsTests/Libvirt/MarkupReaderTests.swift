import Testing

@testable import Hypervisors

/// What is XML here, and what of it is refused.
@Suite(.timeLimit(.minutes(10))) struct MarkupReaderTests {
    private func read(_ text: String) throws -> Markup { try MarkupReader.read(Array(text.utf8)) }

    private func reason(_ text: String) -> String? { reason(bytes: Array(text.utf8)) }

    private func reason(bytes: [UInt8]) -> String? {
        do throws(MarkupError) {
            _ = try MarkupReader.read(bytes)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func elementsAttributesAndText() throws {
        let root = try read(
            """
            <?xml version='1.0' encoding='utf-8'?>
            <!-- by libvirt -->
            <a b="1 &amp; 2" c = 'x&#10;&#x3c;&quot;&apos;&lt;&gt;'>
              one<d/>two<d e=''><![CDATA[<&three]]></d><?php no ?><!--->-->
            </a>
            <!-- the end -->

            """)
        #expect(root.name == "a" && root.attributes == ["b": "1 & 2", "c": "x\n<\"'<>"])
        #expect(root.trimmed == "onetwo" && root.all("d").map(\.text) == ["", "<&three"])
        #expect(root.all("d").map(\.attributes) == [[:], ["e": ""]])
    }

    @Test func namespacesAreThoseInScope() throws {
        let root = try read("<a xmlns='urn:a' xmlns:p='urn:p'><p:b/><c xmlns=''/><q:d xmlns:q='urn:q'/><r:e/></a>")
        #expect(root.children.map { $0.namespace(within: [root]) } == ["urn:p", "", "urn:q", nil])
        #expect(root.children.map(\.localName) == ["b", "c", "d", "e"])
    }

    @Test(arguments: [
        ("", "line 1: there is no element"),
        ("\n\n<a>\n", "line 4: <a> isn't closed"),
        ("<a></b>", "</b> closes nothing"),
        ("<a/><b/>", "second root"),
        ("<a/>text", "text outside"),
        ("text<a/>", "text outside"),
        ("<a b='1' b='2'/>", "attribute b is there twice"),
        ("<a b='1'c='2'/>", "aren't set apart"),
        ("<a b=1/>", "isn't quoted"),
        ("<a b/>", "attribute b has no value"),
        ("<a b='<'/>", "has < in it"),
        ("<a b='1", "doesn't end"),
        ("<a", "doesn't end"),
        ("<a>&nbsp;</a>", "neither &amp;"),
        ("<a>&</a>", "neither &amp;"),
        ("<a>&#0;</a>", "neither &amp;"),
        ("<a>&#+65;</a>", "neither &amp;"),
        ("<a>&#xd800;</a>", "neither &amp;"),
        ("<a>&#x110000;</a>", "neither &amp;"),
        ("<a>&lt</a>", "neither &amp;"),
        ("<a>\u{1b}[2J</a>", "control character"),
        ("<a><!-- - -- --></a>", "has -- in it"),
        ("<a><!-- </a>", "a comment doesn't end"),
        ("<a><![CDATA[ </a>", "a CDATA section doesn't end"),
        ("<a><?x </a>", "a processing instruction doesn't end"),
        ("<a/><?xml version='1.0'?>", "isn't at the beginning"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "encoding isn't UTF-8"),
        ("<?xml version='1.0'><a/>", "XML declaration doesn't end"),
        ("< a/>", "a name is missing"),
        ("<1a/>", "a name is missing"),
        ("<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "document type"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type"),
        ("<a><!ELEMENT a ANY></a>", "document type"),
    ])
    func refused(_ text: String, _ why: String) {
        #expect(reason(text)?.contains(why) == true, "\(reason(text) ?? "taken")")
    }

    @Test func otherEncodingsAreRefused() {
        #expect(reason(bytes: Array("<a>\u{e4}</a>".utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] })) != nil)
        #expect(reason(bytes: [0x3c, 0x61, 0x3e, 0xe4, 0x3c, 0x2f, 0x61, 0x3e])?.contains("isn't UTF-8") == true)
        #expect(reason(bytes: [0xef, 0xbb, 0xbf] + Array("<a/>".utf8)) == nil)
    }

    @Test func everythingHasABound() {
        let depth = MarkupReader.maximumDepth
        #expect(reason(String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)) == nil)
        #expect(reason(String(repeating: "<a>", count: depth + 1))?.contains("deep") == true)
        #expect(reason(String(repeating: "<a>", count: 1_000_000))?.contains("deep") == true)
        let wide = String(repeating: "<b/>", count: MarkupReader.maximumElements)
        #expect(reason("<a>\(wide)</a>")?.contains("elements") == true)
        #expect(reason("<a \((0...64).map { "a\($0)=''" }.joined(separator: " "))/>")?.contains("more than 64 attributes") == true)
        #expect(reason("<\(String(repeating: "n", count: 1 << 20))/>")?.contains("more than 256 bytes") == true)
        #expect(reason("<a>\(String(repeating: "t", count: MarkupReader.maximumBytes))</a>")?.contains("larger than 4 MiB") == true)
        #expect(reason("<a>\(String(repeating: "t", count: 1 << 20))</a>") == nil)
    }

    @Test func whateverIsCutOffIsRefused() {
        let whole = Array("<?xml version='1.0'?><a b='c'><!--d--><e>f &amp; g</e><![CDATA[h]]></a>".utf8)
        #expect(reason(bytes: whole) == nil)
        for count in 0..<whole.count { #expect(reason(bytes: Array(whole[..<count])) != nil, "\(count) bytes") }
    }
}
