# pragma version ~=0.4.0
# What an exchange of the first generation emits for a match, and nothing of what it does.

event OrderFilled:
    orderHash: indexed(bytes32)
    maker: indexed(address)
    taker: indexed(address)
    makerAssetId: uint256
    takerAssetId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256
    fee: uint256

event OrdersMatched:
    takerOrderHash: indexed(bytes32)
    takerOrderMaker: indexed(address)
    makerAssetId: uint256
    takerAssetId: uint256
    makerAmountFilled: uint256
    takerAmountFilled: uint256

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
        makerAssetId=self.given(taker),
        takerAssetId=self.gotten(taker),
        makerAmountFilled=taker.gave,
        takerAmountFilled=taker.got,
    )

@internal
def fill(order: Order, counterparty: address):
    log OrderFilled(
        orderHash=order.hash,
        maker=order.owner,
        taker=counterparty,
        makerAssetId=self.given(order),
        takerAssetId=self.gotten(order),
        makerAmountFilled=order.gave,
        takerAmountFilled=order.got,
        fee=order.fee,
    )

@internal
def given(order: Order) -> uint256:
    return 0 if order.side == 0 else order.token

@internal
def gotten(order: Order) -> uint256:
    return order.token if order.side == 0 else 0
