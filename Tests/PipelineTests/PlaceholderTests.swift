@testable import Pipeline
import Testing
@Test func placeholder() {}
