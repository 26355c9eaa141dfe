import Testing

/// The tests that kill processes and brokers under load: one after the other, for each wants the machine for itself.
@Suite(.serialized) enum Breakages {}
