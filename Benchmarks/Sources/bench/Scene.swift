/// Who is there, and who of them sends and receives.
struct Scene {
    /// Of the bridge that is measured.
    let guests: [Guest]
    /// How many bridges the host has, each with as many guests.
    let bridges: Int
    /// In the middle of a rule list, where the average guest is.
    let guest: Guest
    /// The next one; nil if there is none.
    let other: Guest?

    init(guests count: Int, bridges: Int = 1) {
        guests = Guest.all(count)
        self.bridges = bridges
        guest = guests[(count - 1) / 2]
        other = count > 1 ? guests[(count - 1) / 2 + 1] : nil
    }

    var traffic: [Traffic] { Traffic.all(guest: guest, other: other, stranger: other ?? Guest(number: guests.count + 1)) }

    var title: String {
        let guests = guests.count == 1 ? "1 guest" : "\(guests.count) guests"
        return bridges == 1 ? guests : "\(bridges) bridges of \(guests)"
    }
}
