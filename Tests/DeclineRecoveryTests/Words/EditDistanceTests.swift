import DeclineRecovery
import Testing

@Suite struct EditDistanceTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("acme", "acme", 0), ("acme", "acne", 1), ("acme", "ame", 1), ("acme", "accme", 1),
        ("acme", "amce", 2),
        ("kitten", "sitting", 3), ("expiryDays", "expireDay", 2), ("abc", "xyz", 3), ("Acme", "acme", 1), ("saturday", "sunday", 3),
        ("aaaa", "aa", 2),
    ])
    func soManyLettersMustChange(left: String, right: String, distance: Int) {
        #expect(EditDistance.between(left, right) == distance && EditDistance.between(right, left) == distance)
    }
}
