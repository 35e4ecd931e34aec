import Fuzzing

@main enum FuzzAPI {
    static func main() {
        fuzz { data, size in
            readRequest(bytes(data, size))
            return 0
        }
    }
}
