import Fuzzing

@main enum FuzzLibvirt {
    static func main() {
        fuzz { data, size in
            readDomain(bytes(data, size))
            return 0
        }
    }
}
