"""People find orders by how an e-mail address begins and by cart, holds of stock by SKU; mails have a list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Whole tables are locked while their indexes are built: nothing runs this in production before 1.0, so that
    # none of it is built CONCURRENTLY.

    dependencies = [
        ('orders', '0005_mails'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='checkout',
            name='checkout_by_email',
        ),
        migrations.RemoveIndex(
            model_name='order',
            name='order_by_email',
        ),
        migrations.AddIndex(
            model_name='checkout',
            index=models.Index(fields=['email', 'started_at'], name='checkout_by_email', opclasses=['varchar_pattern_ops', 'timestamptz_ops']),
        ),
        migrations.AddIndex(
            model_name='checkout',
            index=models.Index(fields=['cart_id'], name='checkout_by_cart'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['created_at'], name='notification_by_time'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['email'], name='order_by_email', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='reservation',
            index=models.Index(fields=['sku'], name='reservation_by_sku'),
        ),
    ]
