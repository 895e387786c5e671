"""The first catalogue."""

import sqlalchemy as sa
from alembic import op

from library.schema import FilePath, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table('api_key',
    sa.Column('key_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('prefix', sa.String(length=20), nullable=False),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key_id')
    )
    op.create_index(op.f('ix_api_key_prefix'), 'api_key', ['prefix'], unique=False)
    op.create_table('ingest',
    sa.Column('ingest_id', sa.String(length=64), nullable=False),
    sa.Column('video_id', sa.String(length=64), nullable=False),
    sa.Column('fingerprint', sa.String(length=128), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('begun_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('ingest_id')
    )
    op.create_index(op.f('ix_ingest_state'), 'ingest', ['state'], unique=False)
    op.create_index(op.f('ix_ingest_video_id'), 'ingest', ['video_id'], unique=False)
    op.create_table('job',
    sa.Column('job_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('dedupe_key', sa.Text(), nullable=False),
    sa.Column('live_key', sa.String(length=64), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('worker', sa.Text(), nullable=False),
    sa.Column('lease_until', UtcDateTime(timezone=True), nullable=True),
    sa.Column('not_before', UtcDateTime(timezone=True), nullable=True),
    sa.Column('stage', sa.String(length=60), nullable=False),
    sa.Column('fraction', sa.Float(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('result', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('started_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('finished_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('job_id'),
    sa.UniqueConstraint('live_key')
    )
    op.create_index('ix_job_queue', 'job', ['state', 'priority', 'job_id'], unique=False)
    op.create_table('library',
    sa.Column('library_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('path', FilePath(), nullable=False),
    sa.Column('added_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('scanned_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('library_id'),
    sa.UniqueConstraint('name'),
    sa.UniqueConstraint('path')
    )
    op.create_table('revision',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('saved_search',
    sa.Column('search_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_run_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('search_id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('video',
    sa.Column('video_id', sa.String(length=64), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('search_key', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('duration', sa.Float(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('has_audio', sa.Boolean(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('added_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('indexed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('live_ingest', sa.String(length=64), nullable=True),
    sa.Column('ingest_fingerprint', sa.String(length=128), nullable=True),
    sa.Column('channels', sa.JSON(), nullable=False),
    sa.Column('segment_count', sa.Integer(), nullable=False),
    sa.Column('frame_count', sa.Integer(), nullable=False),
    sa.Column('line_count', sa.Integer(), nullable=False),
    sa.Column('info', sa.JSON(), nullable=False),
    sa.Column('replaced_by', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('video_id')
    )
    op.create_index(op.f('ix_video_added_at'), 'video', ['added_at'], unique=False)
    op.create_index(op.f('ix_video_replaced_by'), 'video', ['replaced_by'], unique=False)
    op.create_index(op.f('ix_video_state'), 'video', ['state'], unique=False)
    op.create_table('location',
    sa.Column('path', FilePath(), nullable=False),
    sa.Column('video_id', sa.String(length=64), nullable=False),
    sa.Column('library_id', sa.Integer(), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('mtime_ns', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('failed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['library_id'], ['library.library_id'], ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['video_id'], ['video.video_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('path')
    )
    op.create_index(op.f('ix_location_library_id'), 'location', ['library_id'], unique=False)
    op.create_index(op.f('ix_location_video_id'), 'location', ['video_id'], unique=False)
    op.create_table('tag',
    sa.Column('video_id', sa.String(length=64), nullable=False),
    sa.Column('tag', sa.String(length=100), nullable=False),
    sa.ForeignKeyConstraint(['video_id'], ['video.video_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('video_id', 'tag')
    )
    op.execute("INSERT INTO revision (name, value) VALUES ('index', 0)")
