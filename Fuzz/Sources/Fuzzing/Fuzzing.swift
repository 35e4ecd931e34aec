import CFuzzer

/// Runs libFuzzer with the program's arguments. SwiftPM names an executable's entry itself, so libFuzzer's own `main`
/// can't be it.
public func fuzz(_ input: @convention(c) (_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt) {
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    _ = LLVMFuzzerRunDriver(&count, &arguments, input)
}

/// A copy of an input.
public func bytes(_ data: UnsafePointer<UInt8>?, _ size: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: data, count: size))
}
