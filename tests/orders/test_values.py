"""What parts of an order are worth: exact, and together the total."""

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from foundation.ids import new_id
from orders import values
from orders.models import Order, OrderLine


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 99_999), st.integers(0, 9_999)),
        min_size=1, max_size=6,
    ),
    shipping=st.tuples(st.integers(0, 5_000), st.integers(0, 999)),
    data=st.data(),
)  # fmt: skip
def test_the_worth_of_all_shipments_is_the_total_whatever_ships_when(lines, shipping, data):
    rows = [
        OrderLine(id=new_id(), quantity=quantity, net_amount=net, tax_amount=tax)
        for quantity, net, tax in lines
    ]
    net, tax = shipping
    order = Order(shipping_amount=net, tax_amount=tax + sum(row.tax_amount for row in rows))
    total = sum(row.net_amount + row.tax_amount for row in rows) + net + tax
    shipped, taken = {row.pk: 0 for row in rows}, []

    while any(shipped[row.pk] < row.quantity for row in rows):
        row = data.draw(st.sampled_from([r for r in rows if shipped[r.pk] < r.quantity]))
        shipped[row.pk] += data.draw(st.integers(1, row.quantity - shipped[row.pk]))
        taken.append(values.of_shipped(order, rows, shipped) - sum(taken))

    assert all(part >= 0 for part in taken)
    assert sum(taken) == total


def test_the_odd_minor_units_go_with_the_first_units_of_a_line():
    line = OrderLine(quantity=3, net_amount=1000, tax_amount=1)

    assert [values.of_units(line, units) for units in range(4)] == [0, 334, 668, 1001]
