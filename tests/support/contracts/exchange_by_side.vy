# pragma version ~=0.4.0
# What an exchange of the second or third generation emits for a match, and nothing of what it does.

event OrderFilled:
    orderHash: indexed(bytes32)
    maker: indexed(address)
    taker: indexed(address)
    side: uint8
    tokenId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256
    fee: uint256
    builder: bytes32
    metadata: bytes32

event OrdersMatched:
    takerOrderHash: indexed(bytes32)
    takerOrderMaker: indexed(address)
    side: uint8
    tokenId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256

event FeeCharged:
    receiver: indexed(address)
    amount: uint256

struct Order:
    hash: bytes32
    owner: address
    side: uint8
    token: uint256
    gave: uint256
    got: uint256
    fee: uint256

@external
def match_orders(taker: Order, makers: DynArray[Order, 64]):
    for maker: Order in makers:
        self.fill(maker, taker.owner)
    self.fill(taker, self)
    log OrdersMatched(
        takerOrderHash=taker.hash,
        takerOrderMaker=taker.owner,
        side=taker.side,
        tokenId=taker.token,
        makerAmountFilled=taker.gave,
        takerAmountFilled=taker.got,
    )

@internal
def fill(order: Order, counterparty: address):
    log OrderFilled(
        orderHash=order.hash,
        maker=order.owner,
        taker=counterparty,
        side=order.side,
        tokenId=order.token,
        makerAmountFilled=order.gave,
        takerAmountFilled=order.got,
        fee=order.fee,
        builder=empty(bytes32),
        metadata=empty(bytes32),
    )
    if order.fee > 0:
        log FeeCharged(receiver=msg.sender, amount=order.fee)

@external
def say(first: bytes32, second: bytes32, third: bytes32, fourth: bytes32, data: Bytes[1024]):
    raw_log([first, second, third, fourth], data)
