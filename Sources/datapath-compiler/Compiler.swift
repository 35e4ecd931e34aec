import Glibc

/// clang, asked to compile for the BPF machine with the headers of the machine it runs on.
struct Compiler {
    let clang: String

    /// The compiler's own list of system header folders: it knows the distribution's multiarch path, which differs by
    /// architecture and which `-target bpf` alone would not search.
    func systemHeaderFolders() throws -> [String] {
        let (status, text) = try run([clang, "-E", "-v", "-x", "c", "/dev/null", "-o", "/dev/null"])
        guard status == 0 else { throw CompilerError("\(clang) doesn't run:\n\(text)") }
        let lines = text.split(separator: "\n")
        let list = lines.drop { !$0.hasPrefix("#include <...>") }.dropFirst().prefix { $0.hasPrefix(" ") }
        return list.map { String($0.drop { $0 == " " }) }
    }

    /// Compiles `source` into `object`; throws the compiler's own messages.
    func compile(_ source: String, into object: String) throws {
        let folders = try systemHeaderFolders()
        try checkHeaders(in: folders)
        let home = directory(of: source)
        // -g keeps the BTF that the loader needs for map types and constants; file names in it are made relative, so
        // that two checkouts give the same object. Code that is seldom run stays in its function: libbpf takes no other
        // function into a section of programs.
        let arguments =
            [clang, "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-Xclang", "-fno-split-cold-code", "-Wall", "-Werror"]
            + ["-ffile-prefix-map=\(home)/="]
            + ["-I", home, "-I", home + "/include"] + folders.flatMap { ["-idirafter", $0] }
            + ["-c", source, "-o", object]
        let (status, text) = try run(arguments)
        guard status == 0 else { throw CompilerError(text.isEmpty ? "\(clang) failed with status \(status)" : text) }
        // DWARF is three quarters of the object and of no use in the kernel. An older toolchain without llvm-objcopy
        // just embeds it.
        let objcopy = directory(of: clang) + "/llvm-objcopy"
        if access(objcopy, X_OK) == 0 { _ = try run([objcopy, "--strip-debug", object]) }
    }

    private func checkHeaders(in folders: [String]) throws {
        let needed = [
            ("asm/types.h", "linux-libc-dev (Debian, Ubuntu) or kernel-headers (Fedora)"),
            ("linux/bpf.h", "linux-libc-dev (Debian, Ubuntu) or kernel-headers (Fedora)"),
            ("bpf/bpf_helpers.h", "libbpf-dev (Debian, Ubuntu) or libbpf-devel (Fedora)"),
        ]
        for (header, package) in needed where !folders.contains(where: { access("\($0)/\(header)", R_OK) == 0 }) {
            throw CompilerError(
                "error: <\(header)> is needed to compile the kernel program and isn't installed: install \(package)"
                    + "; looked in \(folders.joined(separator: ", "))")
        }
    }

    private func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Runs a program to its end; gives its exit status and what it wrote to standard error.
    private func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw CompilerError("can't make a pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process: pid_t = 0
        let failure = posix_spawnp(&process, arguments[0], &actions, nil, &pointers, environ)
        close(ends[1])
        guard failure == 0 else { throw CompilerError("can't run \(arguments[0]): \(String(cString: strerror(failure)))") }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            if count > 0 { text += buffer[..<count] } else if count == 0 || errno != EINTR { break }
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), String(decoding: text, as: UTF8.self))
    }
}

/// What went wrong, as the build is to show it.
struct CompilerError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
