import Foundation
import PackagePlugin

/// Compiles `Sources/DatapathProgram/guard.bpf.c` for the kernel and embeds the object in the target that uses the plugin.
///
/// The command runs again whenever guard.bpf.c or a header beside it changes. Nothing compiled is ever committed.
@main
struct CompileDatapathProgram: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let folder = context.package.directoryURL.appending(path: "Sources/DatapathProgram")
        let source = folder.appending(path: "guard.bpf.c")
        let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedDatapathObject.swift")
        return [
            .buildCommand(
                displayName: "Compiling guard.bpf.c for the kernel",
                executable: try context.tool(named: "datapath-compiler").url,
                arguments: [try context.tool(named: "clang").url.path, source.path, output.path],
                inputFiles: [source] + headers(in: folder),
                outputFiles: [output])
        ]
    }

    /// Every header in the folder or below it, in a fixed order.
    private func headers(in folder: URL) -> [URL] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".h") }.sorted().map { folder.appending(path: $0) }
    }
}
