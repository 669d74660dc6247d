from pydantic import BaseModel
from dynamic_des import DynamicRealtimeEnvironment

class TaskEvent(BaseModel):
    path_id: str
    status: str

def work_task(env: DynamicRealtimeEnvironment, task_id: int):
    # Pass the Pydantic model directly to the framework
    event = TaskEvent(path_id="Line_A.lathe", status="queued")
    env.publish_event(f"task-{task_id}", event)
