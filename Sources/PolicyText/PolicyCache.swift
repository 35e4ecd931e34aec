import Synchronization

/// Reads a policy again only when its files are others: for those who are asked many times a second what it says.
package final class PolicyCache: Sendable {
    private let path: String
    private let last = Mutex<(mark: PolicyMark, configuration: HostConfiguration)?>(nil)

    /// - Parameter path: a file or a folder. Nothing is read yet.
    package init(_ path: String) { self.path = path }

    /// What `PolicyFiles.load` gives for the files that are there now. Others who ask meanwhile wait.
    package func load() throws(ConfigurationErrors) -> HostConfiguration {
        let result: Result<HostConfiguration, ConfigurationErrors> = last.withLock { last in
            // Looked at before they are read: what changes in between is read next time.
            let mark = PolicyMark(path)
            if let last, last.mark == mark { return .success(last.configuration) }
            let result = Result { () throws(ConfigurationErrors) in try PolicyFiles.load(path) }
            // One that couldn't be read may be readable the next time, and looks the same.
            last = (try? result.get()).map { (mark, $0) }
            return result
        }
        return try result.get()
    }
}
