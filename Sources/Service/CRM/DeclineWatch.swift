package import Broker
package import DeclineRecovery
import Synchronization

/// Looks on while declines are worked on, and tells the story of each.
package final class DeclineWatch: Sendable {
    private let stories = Mutex<[StoryName: DeclineStory]>([:])

    package init() {}

    /// Begins to look. What was done before is not seen.
    package func start(on link: BrokerLink, _ names: TopologyNames) async throws(BrokerError) {
        try await DeclineNews.follow(on: link, names) { [self] in saw($0) }
    }

    package func story(of event: WatchedEvent) -> DeclineStory {
        var story = stories.withLock { stories in
            let own = event.names.compactMap { stories[$0] }.first ?? DeclineStory()
            guard own.finals.isEmpty, let other = own.otherForm.flatMap({ stories[.recovery($0)] }) else { return own }
            return own.told(as: other)
        }
        story.isOfCommand = event.isCommand
        return story
    }

    func saw(_ news: DeclineNews) {
        let names: [StoryName] =
            switch news {
            case .record(let record): [.recovery(record.reference), .order(record.reference.orderID)]
            case .letter(let letter): StoryName.all(of: letter)
            }
        stories.withLock { stories in
            for name in names { stories[name, default: DeclineStory()].saw(news) }
        }
    }
}
