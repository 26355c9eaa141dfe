import Glibc
import Testing

@testable import Service

@Suite struct BatchSchedulingTests {
    @Test func threadsThatAreMadeLaterTakeTurnsByTheirTimeToo() {
        BatchScheduling.begin()
        var thread = pthread_t()
        pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: Int(sched_getscheduler(0)) + 1) }, nil)
        var policy: UnsafeMutableRawPointer?
        pthread_join(thread, &policy)
        #expect(Int(bitPattern: policy) - 1 == Int(BatchScheduling.policy))
    }
}
