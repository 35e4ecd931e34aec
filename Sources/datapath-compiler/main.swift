// datapath-compiler CLANG SOURCE OUTPUT: compiles the kernel program and writes it as a Swift file.
// Run by the build (Plugins/CompileDatapathProgram), never installed.
import Glibc

do {
    guard CommandLine.arguments.count == 4 else { throw CompilerError("usage: datapath-compiler CLANG SOURCE OUTPUT") }
    let (clang, source, output) = (CommandLine.arguments[1], CommandLine.arguments[2], CommandLine.arguments[3])
    let object = output + ".o"
    try Compiler(clang: clang).compile(source, into: object)
    try EmbeddedObject(bytes: readFile(object)).write(to: output)
} catch {
    let message = Array("\(error)\n".utf8)
    _ = write(2, message, message.count)
    exit(1)
}
