import Fuzzing

@main enum FuzzXen {
    static func main() {
        fuzz { data, size in
            readXen(bytes(data, size))
            return 0
        }
    }
}
