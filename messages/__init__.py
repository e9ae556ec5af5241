"""The vocabulary: frozen messages by subject, fixed-point units, identifiers and the record envelope.

Facts are past tense (`FillObserved`), commands imperative (`PlaceOrder`). Nothing here decides, keeps
state or does IO, and nothing here knows the runtime that carries the messages.
"""
