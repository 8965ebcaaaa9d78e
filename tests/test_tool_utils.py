from mmengine.logging import MessageHub

from .golden import DATA
from .tool_utils import call_main


def test_a_tool_knows_nothing_of_the_run_before(capsys):
    MessageHub.get_instance('earlier').update_info('best_score', 1.0)
    call_main('analysis_tools/print_config.py', DATA / 'tiny_train.py')
    assert 'CION' in capsys.readouterr().out
    assert not MessageHub.check_instance_created('earlier')
