# The mean over ten galleries; mode='indoor' and shots=10 are the other ones.
_base_ = './regdb.py'
data_root = 'data/sysumm01/'
test_dataloader = dict(dataset=dict(type='SYSUMM01', data_root=data_root))
test_evaluator = dict(
    _delete_=True,
    type='ReIDMetric',
    protocol=dict(type='SYSUMM01Protocol', mode='all', shots=1),
)
