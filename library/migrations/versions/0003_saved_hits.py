"""What saved searches found; which change a video was last queued for."""

import sqlalchemy as sa
from alembic import op

from library.schema import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the column."""
    op.create_table('saved_hit',
    sa.Column('hit_id', sa.Integer(), nullable=False),
    sa.Column('search_id', sa.Integer(), nullable=False),
    sa.Column('video_id', sa.String(length=64), nullable=False),
    sa.Column('start', sa.Float(), nullable=False),
    sa.Column('end', sa.Float(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('found_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['search_id'], ['saved_search.search_id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['video_id'], ['video.video_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hit_id')
    )
    op.create_index(op.f('ix_saved_hit_search_id'), 'saved_hit', ['search_id'], unique=False)
    op.create_index(op.f('ix_saved_hit_video_id'), 'saved_hit', ['video_id'], unique=False)
    with op.batch_alter_table('video') as batch:
        batch.add_column(sa.Column('wanted_fingerprint', sa.String(length=128), nullable=True))
